import { Injectable } from '@nestjs/common';

/** Time as a dependency, so that a test can move it. */
@Injectable()
export class Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number {
    return Date.now();
  }
}

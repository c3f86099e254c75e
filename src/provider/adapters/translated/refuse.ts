import { UpstreamFailure } from '../../domain/failure.js';

/** A request that this vendor cannot serve as it is: a 400 that names the field, before anything is sent. */
export function refuse(param: string, message: string): UpstreamFailure {
  return new UpstreamFailure('caller_fault', 'unsupported', {
    callerFault: { message: `${param}: ${message}`, code: 'unsupported_parameter', param },
  });
}

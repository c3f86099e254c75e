import { UNSUPPORTED, UpstreamFailure } from '../../domain/failure.js';

/** A request that this vendor cannot serve as it is: unless another endpoint can, a 400 that names the field. Nothing is sent. */
export function refuse(param: string, message: string): UpstreamFailure {
  return new UpstreamFailure('caller_fault', UNSUPPORTED, {
    callerFault: { message: `${param}: ${message}`, code: 'unsupported_parameter', param },
  });
}

/** Something in the settings or on this machine that keeps the gateway from starting; printed as one line, without a stack. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

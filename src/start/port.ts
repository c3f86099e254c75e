import { createServer } from 'node:net';
import { StartError } from './start-error.js';

/**
 * Finds out early whether the port can be had: before a database is started and before a key is made that nobody would see.
 * @throws StartError naming PORT or HOST.
 */
export async function requireFreePort(host: string, port: number): Promise<void> {
  if (port === 0) return;
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => reject(describeListenError(error, host, port)));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}

/** Says in the words of the settings why listening failed. */
export function describeListenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const words = LISTEN_ERRORS[error.code ?? ''];
  return words === undefined ? error : new StartError(words(host, port), { cause: error });
}

const noSuchAddress = (host: string): string => `HOST: ${host} is not an address of this machine`;

const LISTEN_ERRORS: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (host, port) => `PORT: ${port} on ${host} is in use by another program; set PORT to a free one`,
  EACCES: (_host, port) => `PORT: this user may not listen on ${port}; set PORT to one above 1023`,
  EADDRNOTAVAIL: noSuchAddress,
  ENOTFOUND: noSuchAddress,
  EAI_AGAIN: noSuchAddress,
};

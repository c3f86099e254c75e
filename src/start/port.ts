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
  switch (error.code) {
    case 'EADDRINUSE':
      return new StartError(`PORT: ${port} on ${host} is in use by another program; set PORT to a free one`);
    case 'EACCES':
      return new StartError(`PORT: this user may not listen on ${port}; set PORT to one above 1023`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StartError(`HOST: ${host} is not an address of this machine`);
    default:
      return error;
  }
}

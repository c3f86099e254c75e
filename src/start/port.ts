import { createServer } from 'node:net';
import type { Config } from '../platform/config/index.js';
import { StartError } from './start-error.js';

/** The settings that a message names. */
export interface PortSettings {
  host: string;
  port: string;
}

const MAIN: PortSettings = { host: 'HOST', port: 'PORT' };
export const METRICS: PortSettings = { host: 'METRICS_HOST', port: 'METRICS_PORT' };

/** @throws StartError naming the setting of a port that cannot be had. */
export async function requireFreePorts(config: Config): Promise<void> {
  const { HOST, PORT, METRICS_PORT } = config;
  if (METRICS_PORT !== undefined && METRICS_PORT !== 0 && METRICS_PORT === PORT) {
    throw new StartError('METRICS_PORT: must be another port than PORT');
  }
  await requireFreePort(HOST, PORT);
  await requireFreeMetricsPort(config);
}

/** The same for a process that has no other port. */
export async function requireFreeMetricsPort({ METRICS_HOST, METRICS_PORT }: Config): Promise<void> {
  if (METRICS_PORT !== undefined) await requireFreePort(METRICS_HOST, METRICS_PORT, METRICS);
}

/**
 * Finds out early whether the port can be had: before a database is started and before a key is made that nobody would see.
 * @throws StartError naming the setting.
 */
export async function requireFreePort(host: string, port: number, settings: PortSettings = MAIN): Promise<void> {
  if (port === 0) return;
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => reject(describeListenError(error, host, port, settings)));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}

/** Says in the words of the settings why listening failed. */
export function describeListenError(
  error: NodeJS.ErrnoException,
  host: string,
  port: number,
  settings: PortSettings = MAIN,
): Error {
  const words = LISTEN_ERRORS[error.code ?? ''];
  return words === undefined ? error : new StartError(words(host, port, settings), { cause: error });
}

type Words = (host: string, port: number, settings: PortSettings) => string;

const noSuchAddress: Words = (host, _port, settings) => `${settings.host}: ${host} is not an address of this machine`;

const LISTEN_ERRORS: Readonly<Record<string, Words>> = {
  EADDRINUSE: (host, port, { port: name }) =>
    `${name}: ${port} on ${host} is in use by another program; set ${name} to a free one`,
  EACCES: (_host, port, { port: name }) =>
    `${name}: this user may not listen on ${port}; set ${name} to one above 1023`,
  EADDRNOTAVAIL: noSuchAddress,
  ENOTFOUND: noSuchAddress,
  EAI_AGAIN: noSuchAddress,
};

import { connect, type Socket } from 'node:net';
import { readIfPresent, withSocketPath, type DataFiles } from './data-files.js';

/** What a keeper leaves in the data folder for the gateways. */
export interface KeeperNote {
  pid: number;
  postgresPort: number;
}

/** A line that is held open for as long as Postgres is needed. */
export interface KeeperLine {
  socket: Socket;
  keeperPid: number;
  postgresPort: number;
}

/** Said by a gateway that leaves on purpose: the last one does not wait out the grace period. */
export const RELEASE = 'release';

const ANSWER_TIMEOUT_MS = 2_000;

/** The note of the keeper that runs or ran last, `null` when there is none that can be read. */
export async function readKeeperNote(files: DataFiles): Promise<KeeperNote | null> {
  const text = await readIfPresent(files.keeper);
  if (text === null) return null;
  try {
    const { pid, postgresPort } = JSON.parse(text) as Partial<KeeperNote>;
    return typeof pid === 'number' && typeof postgresPort === 'number' ? { pid, postgresPort } : null;
  } catch {
    return null;
  }
}

/** Opens a line to the keeper of a data folder; `null` when none answers. */
export async function askKeeper(files: DataFiles): Promise<KeeperLine | null> {
  const note = await readKeeperNote(files);
  if (note === null) return null;
  return withSocketPath(files.keeperSocket, (path) => openLine(path, note.pid));
}

function openLine(path: string, keeperPid: number): Promise<KeeperLine | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const giveUp = (): void => {
      socket.destroy();
      resolve(null);
    };
    socket.setTimeout(ANSWER_TIMEOUT_MS, giveUp);
    socket.once('error', giveUp);
    socket.once('close', giveUp);
    socket.once('data', (data) => {
      const postgresPort = Number(data.toString('utf8'));
      if (!Number.isInteger(postgresPort) || postgresPort <= 0) return giveUp();
      socket.setTimeout(0);
      socket.off('close', giveUp);
      resolve({ socket, keeperPid, postgresPort });
    });
  });
}

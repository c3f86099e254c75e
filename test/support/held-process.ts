import { readConfig } from '../../src/platform/config/index.js';
import { createLogger } from '../../src/platform/logging/index.js';
import { LeaseKeeper } from '../../src/wallet/persistence/lease-keeper.js';

/*
 * A process that keeps a lease and whose event loop then stands still for ever, as after a request that never ends.
 * Arguments: URL of the database, id of the process, milliseconds after which its thread ends it.
 */
const [databaseUrl, processId = '', heldMaxMs] = process.argv.slice(2);
const config = readConfig({ DATABASE_URL: databaseUrl }, { needsSecrets: false });
const keeper = new LeaseKeeper(config, createLogger(config, 'gateway'));
keeper.keep({ processId, role: 'gateway', leaseMs: 2_000, renewEveryMs: 250, heldMaxMs: Number(heldMaxMs) });
process.stdout.write('held\n');
for (;;);

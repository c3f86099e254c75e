import { parseArgs } from 'node:util';
import { startUpstream } from './server.js';

/** The upstream as a process: prints one ready line with its base URL, ends on SIGINT and SIGTERM. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '8099' },
      'no-record': { type: 'boolean', default: false },
    },
  });
  const upstream = await startUpstream({
    host: values.host,
    port: Number(values.port),
    record: !values['no-record'],
  });
  process.stdout.write(`upstream ready ${upstream.url}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void upstream.close().then(() => process.exit(0)));
  }
}

await main();

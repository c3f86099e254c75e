import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { trainWeights } from '../router/index.js';
import { readDataFile } from './data-file.js';
import { packageRoot } from './package-root.js';
import { typedPath } from './pool-file-path.js';

const WEIGHTS_FILE = 'src/router/gain/gain-weights.ts';
const USAGE = `Learns what \`auto\` expects of a strong model, from prompts that a weak and a strong model were asked.

  npm run router:train -- --data <file> [--out <file>]

  --data   one JSON object a line: benchmark, subject, prompt, weak_correct, strong_correct
  --out    where the weights go; without it, ${WEIGHTS_FILE}
  --help   this text

The same data give the same bytes. Takes about half a minute.
`;

async function run(): Promise<number> {
  const { values } = parseArgs({
    options: { data: { type: 'string' }, out: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { source, settings, prompts } = trainWeights(await readDataFile(values.data));
  const out = values.out === undefined ? path.resolve(packageRoot(), WEIGHTS_FILE) : typedPath(values.out);
  await writeFile(out, source);
  process.stdout.write(`learned from ${prompts} prompts with ${JSON.stringify(settings)}\nwritten to ${out}\n`);
  return 0;
}

process.exitCode = await run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 2;
});

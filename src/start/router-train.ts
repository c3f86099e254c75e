import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { trainWeights } from '../router/index.js';
import { packageRoot } from './package-root.js';

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
  if (values.help || values.data === undefined) {
    process.stdout.write(USAGE);
    return values.help ? 0 : 2;
  }
  const { source, settings, prompts } = trainWeights(await readFile(fromCaller(values.data), 'utf8'));
  const out = values.out === undefined ? path.resolve(packageRoot(), WEIGHTS_FILE) : fromCaller(values.out);
  await writeFile(out, source);
  process.stdout.write(`learned from ${prompts} prompts with ${JSON.stringify(settings)}\nwritten to ${out}\n`);
  return 0;
}

/** npm changes to the package's folder; names of files are relative to where the caller was. */
function fromCaller(file: string): string {
  return path.resolve(process.env['INIT_CWD'] ?? process.cwd(), file);
}

process.exitCode = await run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 2;
});

import { readFileSync } from 'node:fs';

const HEADING = '## Who may import whom';
const ROW = /^\| `([\w-]+)`\s*\| (.*?)\s*\|$/;
const NAME = /`([\w-]+)`/g;

/** The table of docs/architecture.md: which module may import which others. */
export function readAllowedImports(document = readFileSync('docs/architecture.md', 'utf8')): Map<string, Set<string>> {
  const section = document.split(HEADING)[1]?.split('\n## ')[0] ?? '';
  const allowed = new Map<string, Set<string>>();
  for (const line of section.split('\n')) {
    const [, module, others = ''] = ROW.exec(line) ?? [];
    if (module !== undefined) allowed.set(module, new Set([...others.matchAll(NAME)].map(([, name = '']) => name)));
  }
  return allowed;
}

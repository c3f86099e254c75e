import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

/** A source file as the fences see it; tests plant violations by adding one that is not on the disk. */
export interface Source {
  /** From the project folder, with `/`. */
  path: string;
  text: string;
}

/** What a file imports: a path of this project, or the name of a package. */
export interface Import {
  from: string;
  to: string;
  kind: 'file' | 'package';
}

/** Every TypeScript file below these folders of the project. */
export function readSources(folders: readonly string[]): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => join(entry.parentPath, entry.name).replaceAll('\\', '/'))
      .map((path) => ({ path, text: readFileSync(path, 'utf8') })),
  );
}

/** Imports, re-exports and dynamic imports of a file, types included. */
export function importsOf(source: Source): Import[] {
  return ts.preProcessFile(source.text, true, true).importedFiles.map(({ fileName }): Import => {
    if (!fileName.startsWith('.')) return { from: source.path, to: fileName, kind: 'package' };
    const to = posix.join(posix.dirname(source.path), fileName).replace(/\.js$/, '.ts');
    return { from: source.path, to, kind: 'file' };
  });
}

const parsed = new WeakMap<Source, ts.SourceFile>();

/** The syntax tree, made once for all fences. */
export function parse(source: Source): ts.SourceFile {
  const tree = parsed.get(source) ?? ts.createSourceFile(source.path, source.text, ts.ScriptTarget.Latest, true);
  parsed.set(source, tree);
  return tree;
}

/** The node and everything below it, in no particular order. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  const open = [node];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next;
    next.forEachChild((child) => void open.push(child));
  }
}

/** `path:line` of a node. */
export function placeOf(file: ts.SourceFile, node: ts.Node): string {
  const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
  return `${file.fileName}:${(line + 1).toString()}`;
}

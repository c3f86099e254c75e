import ts from 'typescript';
import { nodesOf, parse, placeOf, type Source } from './sources.js';

const FILE_LINES_MAX = 300;
const FUNCTION_LINES_MAX = 50;
const PARAMETERS_MAX = 6;

/** Files that do not fit one idea. Migrations are history and stay as they are. */
export function longFiles(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => !path.startsWith('migrations/'))
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > FILE_LINES_MAX)
    .map(({ path, lines }) => `${path} has ${lines.toString()} lines`);
}

/** Functions that do not fit a screen; `describe` blocks of specs are lists, not functions. */
export function longFunctions(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => !path.endsWith('.spec.ts'))
    .flatMap((source) => {
      const file = parse(source);
      return [...nodesOf(file)]
        .filter(ts.isFunctionLike)
        .filter((node) => 'body' in node && node.body !== undefined && linesOf(file, node) > FUNCTION_LINES_MAX)
        .map((node) => `${placeOf(file, node)} has a function of ${linesOf(file, node).toString()} lines`);
    });
}

/** Functions and constructors that take too much. */
export function longParameterLists(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const file = parse(source);
    return [...nodesOf(file)]
      .filter(ts.isFunctionLike)
      .filter(({ parameters }) => parameters.length > PARAMETERS_MAX)
      .map((node) => `${placeOf(file, node)} takes ${node.parameters.length.toString()} parameters`);
  });
}

/** Things keep their names wherever they are used. */
export function defaultExports(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const file = parse(source);
    return file.statements
      .filter((node) => ts.isExportAssignment(node) || (ts.canHaveModifiers(node) && hasDefault(node)))
      .map((node) => `${placeOf(file, node)} exports by default`);
  });
}

/** `any` switches the compiler off. */
export function anyTypes(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const file = parse(source);
    return [...nodesOf(file)]
      .filter((node) => node.kind === ts.SyntaxKind.AnyKeyword)
      .map((node) => `${placeOf(file, node)} says any`);
  });
}

function hasDefault(node: ts.HasModifiers): boolean {
  return ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) === true;
}

function linesOf(file: ts.SourceFile, node: ts.Node): number {
  const first = file.getLineAndCharacterOfPosition(node.getStart(file)).line;
  return file.getLineAndCharacterOfPosition(node.getEnd()).line - first + 1;
}

import type { Explanation, StageRecord, StageStatus } from '../billing/index.js';

/** How a kind of text looks: `styleText` of Node on a terminal, nothing elsewhere. */
export type Paint = (style: 'bold' | 'dim' | 'green' | 'red' | 'yellow', text: string) => string;

const SIGNS: Readonly<Record<StageStatus, [string, Parameters<Paint>[0]]>> = {
  passed: ['✔', 'green'],
  refused: ['✘', 'red'],
  failed: ['✘', 'red'],
  pending: ['…', 'yellow'],
  not_reached: ['·', 'dim'],
};
const STAGE_WIDTH = 14;
const STATUS_WIDTH = 12;

/** An explanation for a terminal: the stages with their facts, then the verdict and the next step. */
export function explanationText(explanation: Explanation, paint: Paint): string {
  const { request_id: id, client_request_id: clientId, matches, status } = explanation;
  const shared = matches > 1 ? `, the newest of ${matches.toString()} requests with this id` : '';
  return [
    `${paint('bold', id)}  (${clientId}${shared})  HTTP ${status === null ? 'not known' : status.toString()}`,
    '',
    ...explanation.stages.flatMap((stage) => stageLines(stage, paint)),
    '',
    `${paint('bold', 'Verdict')}    ${explanation.verdict}`,
    `${paint('bold', 'Next step')}  ${explanation.next_step}`,
    '',
  ].join('\n');
}

function stageLines({ stage, status, ms, ...facts }: StageRecord, paint: Paint): string[] {
  const [sign, style] = SIGNS[status];
  const took = ms === null ? '' : `${ms.toString()} ms`;
  const head = `${paint(style, `${sign} ${stage.padEnd(STAGE_WIDTH)}${status.padEnd(STATUS_WIDTH)}`)}${took}`;
  return [head.trimEnd(), ...Object.entries(facts).flatMap(([name, value]) => factLines(name, value, paint))];
}

/** A list of records, such as attempts and candidates, takes a line a record. */
function factLines(name: string, value: unknown, paint: Paint): string[] {
  if (Array.isArray(value) && value.some((one) => typeof one === 'object')) {
    return value.map((one, at) => factLine(at === 0 ? name : '', one, paint));
  }
  return [factLine(name, value, paint)];
}

function factLine(name: string, value: unknown, paint: Paint): string {
  return `    ${paint('dim', name.padEnd(22))} ${shown(value)}`;
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.map(shown).join(', ');
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([name, inner]) => `${name}=${shown(inner)}`)
      .join(' ');
  }
  return typeof value === 'string' ? visible(value) : JSON.stringify(value);
}

/** A caller chose some of these texts: nothing in them may move the cursor. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '?');
}

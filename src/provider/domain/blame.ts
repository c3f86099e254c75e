import type { FailureClass } from './call.js';
import { saysContextLength } from './context-length.js';
import { errorWordsOf, sentencesOf, type ErrorWords } from './error-words.js';

/** What a refusal speaks of, where that is the operator's to mend. */
export type BlamedSubject = 'money' | 'limit' | 'key' | 'account' | 'model';

export interface Blame {
  failure: FailureClass;
  subject: BlamedSubject | null;
}

const NOT = String.raw`(?:not|no|cannot|can't|isn't|aren't|doesn't|don't|unable|without|never)`;
const GONE = String.raw`(?:decommissioned|deprecated|retired|removed|discontinued|deleted|sunset|shut ?down|unavailable|inaccessible|restricted|no longer \w+)`;
const UNKNOWN = String.raw`(?:not|n't) (?:yet |currently )?(?:found|exist|available|supported|enabled|deployed|valid|a valid|allowed|accessible|recogni[sz]ed|open|opened|activated|registered|configured|permitted)\b`;

/** Labels are words of the vendor alone: what they name is what is meant. */
const LABELS: readonly (readonly [BlamedSubject, RegExp])[] = [
  ['money', /\b(?:arrears?|arrearage|overdue|balance|payment|billing|funds|credits? \w*(?:exhausted|depleted|low))\b/],
  // A quota that is paid for is empty; waiting does not fill it.
  ['money', /\b(?:insufficient|exceeded current) quota\b/],
  ['limit', /\b(?:rate limit\w*|ratelimit\w*|too many requests|throttl\w*|quota|resource exhausted|429)\b/],
  ['money', /\b(?:budget|spend|usage limit\w*|402)\b/],
  ['model', /\b(?:unknown|invalid|unsupported|no such) (?:endpoint or )?model(?: (?:id|name|error))?$/],
  ['model', /\bmodels? (?:id |name )?(?:not (?!ready|load)|unavailable|decommissioned|deprecated|retired|access)/],
  ['model', /\bdeployment\b/],
  ['key', /\b(?:api key|access key|authenti\w+|unauthenticated|unauthori[sz]ed|authori[sz]ation|credentials?|401)\b/],
  [
    'account',
    /\b(?:account|organi[sz]ation|workspace|subscription|permission|(?<!extra )forbidden|access denied|403)\b/,
  ],
  ['account', /\b(?:failed precondition|unpurchased|access terminated|unsupported country)\b/],
];

/** Codes of MiniMax inside a 200 that say it in numbers. */
const NUMBERS: Readonly<Record<string, BlamedSubject>> = {
  '1002': 'limit',
  '1004': 'key',
  '1008': 'money',
  '2049': 'key',
  '2056': 'limit',
};

/** An empty purse, whatever else is said. */
const MONEY = [
  /\bcheck your plan and billing\b/,
  /\b(?:insufficient|not enough|negative|exhausted|out of|depleted)\b.{0,30}\b(?:balance|funds?|credits?)\b/,
  /\b(?:balance|funds?|credits?)\b.{0,40}\b(?:insufficient|not enough|too low|exhausted|depleted|used up|ran? out|overdue|negative|expired)\b/,
  /\b(?:arrears?|arrearage|overdue|unpaid|past due|in good standing|payment (?:required|method|failed)|recharge|prepayment)\b/,
  /余额不足|余额已|欠费|充值|额度.{0,4}(?:不足|用尽|耗尽|已用)/,
];

const LIMIT = [
  /\b(?:rate|request|quota|concurrency|throughput)s?[ -]limit(?:s|ed|ing)?\b/,
  /\btoo many (?:requests|concurrent)\b/,
  /\b(?:tokens|requests) per (?:second|minute|min|hour|day)\b/,
  /\bquota\b.{0,40}\b(?:exceeded|exhausted|reached|used up|insufficient)\b/,
  /\b(?:exceed(?:ed|s)?|exhausted|insufficient|out of|reached)\b.{0,40}\bquota\b/,
  /\bthrottl(?:ed|ing)\b/,
  /限流|速率限制|频率.{0,4}(?:限制|过高|超)|并发.{0,6}(?:限制|超)|请求过(?:多|快|于频繁)/,
];

const SPEND = [
  /\b(?:usage|spend(?:ing)?|monthly|credit|billing|cost|inference) (?:limit|cap|quota)s?\b/,
  /(?<!thinking |reasoning |token )\bbudget\b.{0,30}\b(?:exceeded|exhausted|reached)\b/,
  /\b(?:exceeded|over|crossed)(?: \w+)? budget\b/,
  /\bbilling\b/,
];

const KEY = [
  /\b(?:invalid|incorrect|wrong|missing|expired|revoked|disabled|inactive|unknown|no|malformed)\b.{0,20}\b(?:(?:api|access|secret|subscription|auth\w*|bearer|virtual)[ _-]?(?:key|token)s?|x-api-key)\b/,
  /\b(?:api|access|secret|subscription|auth\w*|bearer|virtual)[ _-]?(?:key|token)s?\b.{0,60}\b(?:invalid|incorrect|missing|expired|revoked|disabled|inactive|blocked|suspended|not (?:valid|found|allowed|authori[sz]ed|permitted|supported|active|exist)|denied|leaked|required)\b/,
  /\b(?:authentication|authori[sz]ation|credentials?)\b.{0,40}\b(?:failed|failure|invalid|missing|required|denied|expired)\b/,
  /\b(?:invalid|missing|no|wrong) (?:authentication|authori[sz]ation|credentials?)\b|\bunauthori[sz]ed\b/,
  /密钥.{0,8}(?:无效|错误|过期|不存在)|令牌.{0,6}(?:无效|过期|禁用|不可用)|无效的令牌|身份验证失败/,
];

const ACCOUNT = [
  new RegExp(
    String.raw`\b(?:your|this|the|current) (?:[\w-]+ ){0,2}(?:account|organi[sz]ation|workspace|subscription|project|team|tenant|plan|group)\b.{0,60}\b(?:disabled|deactivated|suspended|inactive|blocked|banned|terminated|closed|frozen|cancell?ed|expired|verified|denied|good standing|not (?:active|allowed|authori[sz]ed|permitted|enabled|include\w*|have access|supported)|exceeded|reached)\b`,
  ),
  /\b(?:user location|country|region|territory)\b.{0,40}\bnot (?:supported|available|allowed)\b/,
  /\b(?:access|permission) (?:is |was |has been )?denied\b|\bnot have (?:permission|the required permission)/,
  /账[户号].{0,8}(?:冻结|停用|异常|禁用)|无权/,
];

/** A model or deployment as what a sentence is about, not as where something else is not supported. */
const MODEL = [
  new RegExp(
    String.raw`(?<!\b(?:with|by|for|in|using|on)(?: (?:this|the|that|your|selected|current|requested|specified))? )\b(?:models?|deployments?)\b(?!'s)(?: [^ ]+){0,6}? ?(?:${UNKNOWN}|is invalid\b|(?:is|was|has been|are) (?:${GONE})\b|${GONE}\b)`,
  ),
  /\b(?:unknown|invalid|unsupported|no such|unrecogni[sz]ed|nonexistent) (?:\w+ )?(?:models?|deployments?)\b(?! (?:output|input|param\w*|options?|settings?|features?|response|arguments?|config\w*))/,
  /\b(?:not|n't) (?:a |an )?(?:valid |known |supported |recogni[sz]ed |chat |available )(?:\w+ )?models?\b/,
  new RegExp(String.raw`\b${NOT}\b.{0,40}\baccess\b.{0,40}\b(?:models?|deployments?)\b`),
  /\bno (?:available |allowed |healthy )?(?:endpoints?|channels?|providers?|deployments?)\b.{0,20}\b(?:found|available|for|under)\b/,
  /\bon-demand throughput\b/,
  /模型.{0,24}(?:不存在|未开通|已下线|不可用|无效)|无可用渠道|未找到模型/,
];

/**
 * Whose fault a refusal is, by what it speaks of: an account, a key, money, a limit or the name of a model are the operator's
 * whatever the status (contract §2.3). A caller cannot mend them; another endpoint may serve.
 * @returns `null` when the body says nothing of the kind: then the status decides.
 */
export function blameOf(status: number | null, body: unknown): Blame | null {
  const words = errorWordsOf(body);
  if (says(words, MONEY)) return { failure: 'operator_fault', subject: 'money' };
  const label = labelSubject(words);
  if (label === 'limit' || says(words, LIMIT)) return { failure: 'rate_limited', subject: 'limit' };
  // Everything that a 429 says is about a limit, unless nothing is left to pay with.
  if (status === 429) return null;
  const isTooLong = words.sentences.some((sentence) => saysContextLength(null, sentence));
  if (isTooLong || words.labels.some((code) => saysContextLength(code.replaceAll(' ', '_'), ''))) {
    return status === 401 || status === 403 ? null : { failure: 'caller_fault', subject: null };
  }
  const subject = label ?? spokenSubject(words, status);
  return subject === null ? null : { failure: 'operator_fault', subject };
}

/**
 * Whether a refusal says that this model or server cannot do what was asked: one of another vendor may.
 * @param code the vendor's own code, if any.
 */
export function saysIncapable(code: string | null, message: string): boolean {
  if (code !== null && /unsupported|not_supported|extra_forbidden|unknown_parameter/i.test(code)) return true;
  return sentencesOf(message).some((sentence) => INCAPABLE.test(sentence));
}

const INCAPABLE =
  /\b(?:not|n't) support(?:ed|s)?\b|\bunsupported\b|\bonly (?:supported|available|allowed)\b|\bextra inputs are not permitted\b|\bunrecogni[sz]ed request argument\b|\bunknown (?:name|parameter|field)\b|\b(?:for|with|by|in) this model\b/;

function labelSubject({ labels }: ErrorWords): BlamedSubject | null {
  for (const [subject, pattern] of LABELS) {
    if (labels.some((label) => pattern.test(label))) return subject;
  }
  for (const label of labels) if (NUMBERS[label] !== undefined) return NUMBERS[label];
  return null;
}

function spokenSubject(words: ErrorWords, status: number | null): BlamedSubject | null {
  if (says(words, SPEND)) return 'money';
  if (says(words, KEY)) return 'key';
  if (says(words, ACCOUNT)) return 'account';
  // A server in trouble says of its models that they are not available, too: that passes.
  if (status !== null && status >= 500) return null;
  // The name of the model is the gateway's to choose.
  return words.params.includes('model') || says(words, MODEL) ? 'model' : null;
}

function says({ sentences }: ErrorWords, patterns: readonly RegExp[]): boolean {
  return sentences.some((sentence) => patterns.some((pattern) => pattern.test(sentence)));
}

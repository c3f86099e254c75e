import type { LanguageModelV4FilePart, LanguageModelV4TextPart, SharedV4ProviderOptions } from '@ai-sdk/provider';
import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import { refuse } from './refuse.js';
import type { Vendor } from './vendor.js';

export type ContentPart = LanguageModelV4TextPart | LanguageModelV4FilePart;

const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w.+-]+=[^;,]*)*;base64,/i;

const BASE64_END = /[A-Za-z0-9+/_-]={0,2}\s*$/;

const AUDIO_TYPES: Readonly<Record<string, string>> = {
  wav: 'audio/wav',
  mp3: 'audio/mpeg',
  flac: 'audio/flac',
  opus: 'audio/opus',
  ogg: 'audio/ogg',
  aac: 'audio/aac',
};

/**
 * The content of a message: text, images, files and sound as the vendor can read them. Texts that say nothing are left out where
 * the vendor refuses them; a link is handed to the vendor as a link, nothing is fetched here.
 * @param path where the content stands, `messages[0].content`.
 * @throws UpstreamFailure `caller_fault` naming the part.
 */
export function contentPartsOf(content: unknown, path: string, vendor: Vendor): ContentPart[] {
  if (typeof content === 'string') return vendor.isBlank(content) ? [] : [{ type: 'text', text: content }];
  if (!Array.isArray(content)) return [];
  return (content as unknown[]).flatMap((part, index) => {
    const at = `${path}[${String(index)}]`;
    if (!isRecord(part)) throw refuse(at, 'must be an object');
    const read = partOf(part, at, vendor);
    if (read.type === 'text' && vendor.isBlank(read.text)) return [];
    return [{ ...read, ...providerOptions(part, vendor) }];
  });
}

/** What a record carries for the vendor, in the form that the AI SDK reads. */
export function providerOptions(record: JsonRecord, vendor: Vendor): { providerOptions?: SharedV4ProviderOptions } {
  const options = vendor.optionsOf(record);
  return options === null ? {} : { providerOptions: { [vendor.optionsKey]: options } };
}

function partOf(part: JsonRecord, at: string, vendor: Vendor): ContentPart {
  switch (part['type']) {
    case 'text':
    case 'input_text':
      return { type: 'text', text: textOf(part['text']) };
    case 'refusal':
      return { type: 'text', text: textOf(part['refusal']) };
    case 'image_url':
      return linked(part['image_url'], `${at}.image_url`, 'image', vendor);
    case 'video_url':
      return linked(part['video_url'], `${at}.video_url`, 'video', vendor);
    case 'input_audio':
      return audio(part['input_audio'], `${at}.input_audio`, vendor);
    case 'file':
      return file(part['file'], `${at}.file`, vendor);
    default:
      throw refuse(`${at}.type`, `content of the type ${JSON.stringify(part['type'] ?? null)} is not supported`);
  }
}

/** `{url}` or the URL itself. */
function linked(value: unknown, at: string, kind: string, vendor: Vendor): LanguageModelV4FilePart {
  const url = isRecord(value) ? value['url'] : value;
  const where = isRecord(value) ? `${at}.url` : at;
  if (typeof url !== 'string' || url === '') throw refuse(where, 'must be a URL');
  if (/^data:/i.test(url)) return inline(url, where, vendor);
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:') {
    throw refuse(where, 'must be an http(s) URL or a base64 data URL');
  }
  const mediaType = vendor.mediaTypeOf(parsed, kind);
  checkMedia(mediaType, where, vendor);
  return { type: 'file', mediaType, data: { type: 'url', url: parsed } };
}

function inline(url: string, at: string, vendor: Vendor, filename?: string): LanguageModelV4FilePart {
  const head = DATA_URL.exec(url);
  const data = head === null ? '' : url.slice(head[0].length);
  if (head?.[1] === undefined || !BASE64_END.test(data.slice(-8))) throw refuse(at, 'must be a base64 data URL');
  const mediaType = head[1].toLowerCase().replace('image/jpg', 'image/jpeg');
  checkMedia(mediaType, at, vendor);
  return { type: 'file', mediaType, data: { type: 'data', data }, ...(filename === undefined ? {} : { filename }) };
}

function audio(value: unknown, at: string, vendor: Vendor): LanguageModelV4FilePart {
  const { data, format } = isRecord(value) ? value : {};
  const mediaType = AUDIO_TYPES[textOf(format)];
  if (mediaType === undefined) throw refuse(`${at}.format`, `must be one of ${Object.keys(AUDIO_TYPES).join(', ')}`);
  if (typeof data !== 'string' || data === '') throw refuse(`${at}.data`, 'must be base64');
  checkMedia(mediaType, at, vendor);
  return { type: 'file', mediaType, data: { type: 'data', data } };
}

function file(value: unknown, at: string, vendor: Vendor): LanguageModelV4FilePart {
  const { file_data: data, file_id: id, filename } = isRecord(value) ? value : {};
  if (typeof data === 'string' && data !== '') {
    return inline(data, `${at}.file_data`, vendor, typeof filename === 'string' ? filename : undefined);
  }
  if (id !== undefined)
    throw refuse(`${at}.file_id`, 'files stored with another vendor cannot be used; send file_data');
  throw refuse(`${at}.file_data`, 'must be a base64 data URL');
}

function checkMedia(mediaType: string, at: string, vendor: Vendor): void {
  if (vendor.media.some((kind) => mediaType.startsWith(kind))) return;
  throw refuse(at, `${mediaType} is not supported by this model`);
}

import { textOf } from '../../domain/json.js';

/** Texts of a format: they differ by variant, and all are harmless when a program acts on them. */
const FORMATS: Readonly<Record<string, (variant: number) => string>> = {
  'date-time': (variant) => `2025-01-01T12:${twoDigits(variant % 60)}:00Z`,
  date: (variant) => `2025-01-${twoDigits(1 + (variant % 28))}`,
  time: (variant) => `12:${twoDigits(variant % 60)}:00Z`,
  duration: (variant) => `P${variant + 1}D`,
  email: (variant) => `ada${variant === 0 ? '' : variant}@example.com`,
  'idn-email': (variant) => `ada${variant === 0 ? '' : variant}@example.com`,
  hostname: (variant) => `${variant === 0 ? '' : `host-${variant}.`}example.com`,
  'idn-hostname': (variant) => `${variant === 0 ? '' : `host-${variant}.`}example.com`,
  uri: (variant) => `https://example.com/${variant === 0 ? '' : variant}`,
  url: (variant) => `https://example.com/${variant === 0 ? '' : variant}`,
  iri: (variant) => `https://example.com/${variant === 0 ? '' : variant}`,
  'uri-reference': (variant) => `/example${variant === 0 ? '' : variant}`,
  'uri-template': (variant) => `/example${variant === 0 ? '' : variant}/{id}`,
  uuid: (variant) => `00000000-0000-4000-8000-${variant.toString(16).padStart(12, '0')}`,
  ipv4: (variant) => `192.0.2.${1 + (variant % 254)}`,
  ipv6: (variant) => `2001:db8::${(variant + 1).toString(16)}`,
  regex: (variant) => `^example${variant === 0 ? '' : variant}$`,
  'json-pointer': (variant) => `/example${variant === 0 ? '' : variant}`,
};

/** Properties whose names say what they want. */
const BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/city|location|town/i, 'Paris'],
  [/country/i, 'France'],
  [/name|author|title/i, 'Ada'],
  [/unit/i, 'celsius'],
  [/lang|locale/i, 'en'],
];

/** The text of a format, else of a property's name, else `example`. @param variant for texts that have to differ. */
export function fixedText(format: unknown, name: string, variant: number): string {
  const formatted = Object.hasOwn(FORMATS, textOf(format)) ? FORMATS[textOf(format)] : undefined;
  if (formatted !== undefined) return formatted(variant);
  const named = BY_NAME.find(([pattern]) => pattern.test(name))?.[1] ?? 'example';
  return variant === 0 ? named : `${named} ${variant + 1}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

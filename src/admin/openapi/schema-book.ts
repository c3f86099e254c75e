import { z } from 'zod';

/** A JSON Schema of the 2020-12 dialect, which OpenAPI 3.1 uses as it is. */
export type JsonSchema = Record<string, unknown>;

/** Turns zod schemas into JSON Schema and gathers those that have an `id` under `components/schemas`. */
export class SchemaBook {
  private readonly named = new Map<string, JsonSchema>();

  /** What a caller may send: before defaults and transformations. */
  input(schema: z.ZodType): JsonSchema {
    return this.convert(schema, 'input');
  }

  /** What a caller receives. */
  output(schema: z.ZodType): JsonSchema {
    return this.convert(schema, 'output');
  }

  /** Every named schema met so far, by name in order. */
  components(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.named].sort(([left], [right]) => (left < right ? -1 : 1)));
  }

  private convert(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const { $defs, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema;
    const own = without(rest, '$schema');
    for (const [name, definition] of Object.entries(($defs ?? {}) as Record<string, JsonSchema>)) {
      this.named.set(name, withComponentRefs(without(definition, 'id')));
    }
    const id = own['id'];
    if (typeof id !== 'string') return withComponentRefs(own);
    this.named.set(id, withComponentRefs(without(own, 'id')));
    return { $ref: componentRef(id) };
  }
}

function componentRef(name: string): string {
  return `#/components/schemas/${name}`;
}

function without(schema: JsonSchema, field: string): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== field));
}

/** zod points to `#/$defs/…`; the document keeps definitions elsewhere. */
function withComponentRefs<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item: unknown) => withComponentRefs(item)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, field]) =>
    key === '$ref' && typeof field === 'string'
      ? [key, field.replace(/^#\/\$defs\//, '#/components/schemas/')]
      : [key, withComponentRefs(field as unknown)],
  );
  return Object.fromEntries(entries) as T;
}

import { z } from 'zod';

const example = z.object({
  benchmark: z.string().min(1),
  subject: z.string().min(1),
  prompt: z.string().min(1),
  weak_correct: z.boolean(),
  strong_correct: z.boolean(),
});

/** One prompt that a weak and a strong model were asked. */
export interface Example {
  benchmark: string;
  subject: string;
  prompt: string;
  weakCorrect: boolean;
  strongCorrect: boolean;
  /** What the strong model gains here: 1 only it was right, −1 only the weak one was, else 0. */
  gain: number;
}

/**
 * Reads examples, one JSON object a line; blank lines are passed over.
 * @throws Error naming the line and the field that cannot be read, or that there is none.
 */
export function readExamples(text: string): Example[] {
  const examples: Example[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() !== '') examples.push(readExample(line, at + 1));
  }
  if (examples.length === 0) throw new Error('the file holds no example');
  return examples;
}

function readExample(line: string, number: number): Example {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error(`line ${number} is not JSON`);
  }
  const result = example.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new Error(`line ${number}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'cannot be read'}`);
  }
  const { weak_correct: weakCorrect, strong_correct: strongCorrect, ...rest } = result.data;
  return { ...rest, weakCorrect, strongCorrect, gain: Number(strongCorrect) - Number(weakCorrect) };
}

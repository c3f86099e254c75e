export { AdminModule } from './admin.module.js';
export { adminErrorDoor } from './problem/problem.js';
export { PROBLEM_CODES, type ProblemCode } from './problem/problem-codes.js';

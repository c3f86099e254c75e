import 'reflect-metadata';
import { reRate } from './re-rate-program.js';

process.exitCode = await reRate(process.argv.slice(2));

import { kills } from './kills.js';
import { surroundings } from './surroundings.js';
import type { Statement } from './statement.js';

export const statements: readonly Statement[] = [...kills, ...surroundings];

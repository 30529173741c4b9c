import { compile } from '../../src/compiler/compiler.js';
import type { PolicyProgram } from '../../src/program/types.js';
import { ClusterState } from '../cases/cluster-state.js';
import { exampleNodes, examples } from '../cases/examples.js';
import { everyFeature } from './programs.js';

/** Titled: a program with every feature, and node n1's of each example. */
export const titledPrograms: readonly (readonly [string, PolicyProgram])[] = [
  ['every feature', everyFeature],
  ...examples().map(({ directory, objects }) => {
    const state = new ClusterState();
    state.take({ apply: [...exampleNodes(), ...objects] });
    return [directory, compile(state.snapshot(), { scope: { node: 'n1' }, unknownPods: 'deny' })] as const;
  }),
];

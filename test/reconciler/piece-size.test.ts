import { expect, test } from '@jest/globals';
import { PieceSize } from '../../src/reconciler/piece-size.js';

test('a heavy transaction that takes long makes pieces smaller, quick ones make them larger again', () => {
  const pieces = new PieceSize();
  expect(pieces.limit).toBe(2000);
  pieces.learn(2000, 40);
  expect(pieces.limit).toBe(1000);
  pieces.learn(1000, 1000);
  pieces.learn(1000, 1000);
  expect(pieces.limit).toBe(500);
  for (let count = 0; count < 20; count += 1) pieces.learn(pieces.limit, 5);
  expect(pieces.limit).toBe(10_000);
});

test('what each transaction takes is no reason for small pieces', () => {
  const pieces = new PieceSize();
  for (let count = 0; count < 20; count += 1) pieces.learn(9, 150);
  expect(pieces.limit).toBe(2000);
  pieces.learn(2000, 200);
  expect(pieces.limit).toBeGreaterThanOrEqual(2000);
  pieces.learn(2000, 600);
  expect(pieces.limit).toBeLessThan(2000);
});

const message = 'a unit test has no built product: name this file under `product` in test/jest/projects.mjs';
throw new Error(message);

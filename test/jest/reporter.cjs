// Prints the plain closing line that CI reads, and every skipped test with its reason, so that nothing is skipped in silence.
module.exports = class {
  constructor(globalConfig) {
    this.isWholeRun = globalConfig.nonFlagArgs.length === 0;
  }

  onRunComplete(contexts, results) {
    for (const file of results.testResults)
      for (const test of file.testResults)
        if (test.status === 'pending' || test.status === 'todo') console.log(`skipped: ${test.fullName}`);
    const names = [...contexts].map(({ config }) => config.displayName?.name);
    if (this.isWholeRun && names.includes('kernel'))
      console.log('not part of this run: `npm run test:cluster`, which takes a real API server through its failures');
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    console.log(`\n${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped`);
  }
};

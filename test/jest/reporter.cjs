// Prints the plain closing line that CI reads, and every skipped test with its reason, so that nothing is skipped in silence.
module.exports = class {
  constructor(globalConfig) {
    this.isWholeRun = globalConfig.nonFlagArgs.length === 0;
  }

  onRunComplete(_contexts, results) {
    for (const file of results.testResults)
      for (const test of file.testResults)
        if (test.status === 'pending' || test.status === 'todo') console.log(`skipped: ${test.fullName}`);
    const isOfCluster = ({ testFilePath }) => testFilePath.endsWith('.cluster.ts');
    if (this.isWholeRun && !results.testResults.some(isOfCluster))
      console.log('not part of this run: `npm run test:cluster`, which takes a real API server through its failures');
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    console.log(`\n${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped`);
  }
};

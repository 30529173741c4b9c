/** The image's own files, assembled from this machine's packages. */
import { assembleTree, missingForTree } from '../build/image/image-tree.js';
import { runsAsTheChartSays } from './image-suite.js';

runsAsTheChartSays('the image, as the chart runs it', {
  root: async (image, folder) => {
    await assembleTree(image, folder);
    return folder;
  },
  missing: missingForTree,
  within: 0,
});

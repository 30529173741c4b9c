/** helm/Containerfile, step by step as buildah does it. */
import { buildImage, missingForBuild } from '../build/image/built-image.js';
import { runsAsTheChartSays } from './image-suite.js';

runsAsTheChartSays('the image that buildah builds, as the chart runs it', {
  root: (_image, folder) => buildImage(folder),
  missing: missingForBuild,
  within: 900_000,
});

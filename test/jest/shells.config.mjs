import { configOf } from './config.mjs';

export default configOf('shells');

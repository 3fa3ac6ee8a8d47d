// What the settings mean to fetching, read when it is asked for: a flake's nixConfig may change them after the first fetch.

import * as fs from 'node:fs';
import { byteStringOf } from '../base/bytes.ts';
import type { FetchSettings } from '../fetch/fetcher.ts';
import type { Settings } from './config.ts';

/** The settings of fetching over those of a run. */
export function makeFetchSettings(settings: Settings): FetchSettings {
  return {
    get allowDirty() {
      return settings.get('allow-dirty');
    },
    get warnDirty() {
      return settings.get('warn-dirty');
    },
    get tarballTtl() {
      return settings.get('tarball-ttl');
    },
    get accessTokens() {
      const tokens = Object.entries(settings.get('access-tokens'));
      return Object.fromEntries(tokens.map(([host, token]) => [host, String(token)]));
    },
    get downloadAttempts() {
      return settings.get('download-attempts');
    },
    get connectTimeoutS() {
      return Number(settings.get('connect-timeout'));
    },
    get stalledDownloadTimeoutS() {
      return Number(settings.get('stalled-download-timeout'));
    },
    get netrc() {
      const file = settings.get('netrc-file');
      return fs.existsSync(file) ? byteStringOf(fs.readFileSync(file)) : '';
    },
    get verifiedFetches() {
      return settings.hasFeature('verified-fetches');
    },
  };
}

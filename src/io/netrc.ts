// The netrc file: which name and password to give to which host. Format: the ftp program's manual, "The .netrc file"; curl's reading
// of it, quotes included. Text is ordinary text.

/** A name and its password. */
export interface Login {
  readonly login: string;
  readonly password: string;
}

const WORD = /"((?:[^"\\]|\\.)*)"|(\S+)/g;

/** The login for a host: the first entry of that name, or the default entry; undefined where there is none. */
export function findLogin(netrc: string, host: string): Login | undefined {
  const words = [...netrc.replace(/^\s*#.*$/gm, '').matchAll(WORD)].map(([, quoted, plain]) => plain ?? quoted!.replace(/\\(.)/g, '$1'));
  let matches = false;
  let login: string | undefined;
  let password: string | undefined;
  const found = () =>
    matches && (login !== undefined || password !== undefined) ? { login: login ?? '', password: password ?? '' } : undefined;
  for (let index = 0; index < words.length; index++) {
    switch (words[index]) {
      case 'machine':
      case 'default': {
        const complete = found();
        if (complete !== undefined) return complete;
        matches = words[index] === 'default' || words[++index] === host;
        login = password = undefined;
        break;
      }
      case 'login':
        login = words[++index];
        break;
      case 'password':
        password = words[++index];
        break;
      case 'account':
        index++;
        break;
      case 'macdef':
        return found();
    }
  }
  return found();
}

/** The header that logs in where a netrc file (its text) has a login for the URL's host. */
export function loginHeaders(url: string, netrc: string): Record<string, string> {
  const login = netrc === '' ? undefined : findLogin(netrc, new URL(url).hostname);
  if (login === undefined) return {};
  const bytes = new TextEncoder().encode(`${login.login}:${login.password}`);
  return { authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` };
}

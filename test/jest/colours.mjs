// Jest has its workers colour, and CI may want colours too: what tests compare is text.
for (const name of ['FORCE_COLOR', 'CLICOLOR_FORCE', 'NO_COLOR']) delete process.env[name];

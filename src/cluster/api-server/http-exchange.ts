/** One request and its answer, with a limit for every silence. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { messageOf } from '../../generic/message-of.js';
import { ConnectionError } from './api-errors.js';

/** How long a connection may take to answer at all, in milliseconds. */
export const answerWithin = 10_000;

export interface Body {
  readonly contentType: 'application/json' | 'application/apply-patch+yaml' | 'application/merge-patch+json';
  readonly object: object;
}

export interface Exchange {
  readonly method?: 'GET' | 'POST' | 'PATCH';
  readonly body?: Body;
  readonly signal: AbortSignal;
  readonly silence: number;
  readonly onChunk: (chunk: Buffer) => void;
  readonly onOpen?: (() => void) | undefined;
}

/** Resolves when the answer begins. */
export function answerTo(
  url: URL,
  options: RequestOptions,
  { signal, method = 'GET', body }: Exchange,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'http:' ? httpRequest : httpsRequest;
    const request = send(url, { ...options, method, signal });
    if (body !== undefined) request.setHeader('content-type', body.contentType);
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer within ${answerWithin / 1000} s`)),
      answerWithin,
    );
    request.once('response', (response) => {
      clearTimeout(timer);
      resolve(response);
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(signal.aborted ? error : new ConnectionError(`${url.host}: ${messageOf(error)}`, { cause: error }));
    });
    request.end(body === undefined ? undefined : JSON.stringify(body.object));
  });
}

/** Resolves at the end of the body; rejects when it breaks off or falls silent. */
export function consume(response: IncomingMessage, silence: number, onChunk: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const fall = (): void => void response.destroy(new Error(`silent for ${silence / 1000} s`));
    let timer = setTimeout(fall, silence);
    let refused: unknown;
    response.on('data', (chunk: Buffer) => {
      clearTimeout(timer);
      timer = setTimeout(fall, silence);
      try {
        onChunk(chunk);
      } catch (error) {
        refused = error;
        response.destroy();
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    response.once('end', () => {
      clearTimeout(timer);
      resolve();
    });
    response.once('error', (error) => {
      clearTimeout(timer);
      reject(new ConnectionError(messageOf(error), { cause: error }));
    });
    response.once('close', () => {
      clearTimeout(timer);
      if (refused === undefined && !response.complete)
        reject(new ConnectionError('the connection was closed before the end'));
    });
  });
}

/** A Status object's message, or what there is. */
export function statusMessage(body: Buffer, response: IncomingMessage): string {
  const text = body.toString('utf8');
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string' && message !== '') return message;
  } catch {
    return `${response.statusCode ?? 0} ${text.slice(0, 200) || (response.statusMessage ?? '')}`;
  }
  return `${response.statusCode ?? 0} ${response.statusMessage ?? ''}`;
}

import { newWebhookSecret, signatureHeaders } from './signature.js';

const MESSAGE = { id: 'msg_1', timestampS: 1_674_087_231, body: '{"a":1}' };

describe('signatureHeaders', () => {
  it('signs id, time and body as openssl would', () => {
    // printf 'msg_1.1674087231.{"a":1}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…07 -binary | base64
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    expect(signatureHeaders([secret], MESSAGE)).toEqual({
      'webhook-id': 'msg_1',
      'webhook-timestamp': '1674087231',
      'webhook-signature': 'v1,0ANzGnJGWWHmwudt0qLST2wpUTgWaHglALeEiddVSyk=',
    });
  });

  it('gives one signature a secret, and others for anything else', () => {
    const [one, other] = [newWebhookSecret(), newWebhookSecret()];
    const both = signatureHeaders([one, other], MESSAGE)['webhook-signature']?.split(' ');
    expect(both).toHaveLength(2);
    expect(new Set(both).size).toBe(2);
    const changes = [{ id: 'msg_2' }, { timestampS: 1 }, { body: '{"a":2}' }];
    for (const change of changes) {
      expect(signatureHeaders([one], { ...MESSAGE, ...change })['webhook-signature']).not.toBe(both?.[0]);
    }
  });

  it.each([[[]], [['']], [['whsec_']], [['whsec_c2hvcnQ=']], [['plain text of some length, 32 bytes']]])(
    'refuses to sign with %j',
    (secrets) => {
      expect(() => signatureHeaders(secrets, MESSAGE)).toThrow();
    },
  );
});

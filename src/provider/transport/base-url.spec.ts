import { checkedBaseUrl } from './base-url.js';

describe('checkedBaseUrl', () => {
  it.each([
    ['https://8.8.8.8/v1', 'https://8.8.8.8/v1'],
    ['https://8.8.8.8/v1///', 'https://8.8.8.8/v1'],
    ['HTTPS://8.8.8.8:443', 'https://8.8.8.8'],
    [
      'https://api.acme.example/openai/v1?api-version=2024-10-21',
      'https://api.acme.example/openai/v1?api-version=2024-10-21',
    ],
  ])('takes %s', async (text, expected) => {
    await expect(checkedBaseUrl(text, false)).resolves.toBe(expected);
  });

  it.each([
    'http://127.0.0.1/v1',
    'http://localhost/v1',
    'http://localhost./v1',
    'http://LOCALHOST:8080',
    'http://x.localhost',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://127.1/',
    'http://0/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://169.254.169.254/latest/meta-data',
    'http://10.1.2.3:8000',
    'http://192.168.0.7',
    'http://[fd00:ec2::254]/',
    'http://metadata.google.internal/',
    'http://redis:6379',
    'http://127.0.0.1%2f@8.8.8.8/',
    'http://①②⑦.0.0.1/',
    'http://127。0。0。1/',
    'http://127.0.0.1./',
    'http://0177.0x0.1/',
    'http://017700000001/',
    'http://[::127.0.0.1]/',
    'http://[64:ff9b::169.254.169.254]/',
    'http://[2002:7f00:1::]/',
    'http://168.63.129.16/',
    'http://100.100.100.200/',
    'http://ｌｏｃａｌｈｏｓｔ/',
    'http://router.home.arpa/',
    'http://localhost../',
  ])('refuses %s', async (text) => {
    await expect(checkedBaseUrl(text, false)).rejects.toMatchObject({ kind: 'unprocessable', param: 'base_url' });
  });

  it.each([
    '',
    'api.acme.example/v1',
    'ftp://8.8.8.8/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://user:secret@8.8.8.8/v1',
    'https://8.8.8.8/v1#part',
    'https://8.8.8.8/v1?key=secret',
    `https://8.8.8.8/${'x'.repeat(3000)}`,
  ])('refuses %j even where private addresses are allowed', async (text) => {
    await expect(checkedBaseUrl(text, true)).rejects.toMatchObject({ code: 'base_url_invalid' });
  });

  it.each([
    'http://169.254.169.254/',
    'http://[fe80::1]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://metadata.google.internal/',
  ])('refuses %s even where private addresses are allowed', async (text) => {
    await expect(checkedBaseUrl(text, true)).rejects.toMatchObject({ code: 'base_url_refused' });
  });

  it('takes private addresses where they are allowed, in canonical form', async () => {
    await expect(checkedBaseUrl('http://2130706433:8080/v1/', true)).resolves.toBe('http://127.0.0.1:8080/v1');
  });
});

import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { requireFreePort } from './port.js';
import { StartError } from './start-error.js';

describe('requireFreePort', () => {
  it('names PORT when another program listens there', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    try {
      const check = requireFreePort('127.0.0.1', port);
      await expect(check).rejects.toBeInstanceOf(StartError);
      await expect(check).rejects.toThrow(`PORT: ${port} on 127.0.0.1 is in use`);
    } finally {
      other.close();
    }
    await once(other, 'close');
    await expect(requireFreePort('127.0.0.1', port)).resolves.toBeUndefined();
  });

  it('names HOST when this machine has no such address', async () => {
    await expect(requireFreePort('192.0.2.1', 8080)).rejects.toThrow('HOST: 192.0.2.1');
  });
});

import { Controller, Get, Header } from '@nestjs/common';
import { Public } from '../../platform/access/index.js';
import { Operation } from '../../platform/openapi/index.js';
import { SigningKeys, type PublicJwk } from '../../platform/signing/index.js';
import { READ_SIGNING_KEYS } from './openai.operations.js';

/** `GET /.well-known/jwks.json`: the public keys, for anybody who holds a receipt. */
@Controller('.well-known')
@Public()
export class SigningKeysController {
  constructor(private readonly keys: SigningKeys) {}

  @Get('jwks.json')
  @Header('cache-control', 'public, max-age=300')
  @Operation(READ_SIGNING_KEYS)
  read(): { keys: readonly PublicJwk[] } {
    return { keys: this.keys.publicKeys() };
  }
}

// What the SDK makes of an answer to its request for credentials, without the rest of its chain, which hides errors.
import { fromHttp } from "@aws-sdk/credential-provider-http";

try {
  console.log((await fromHttp()()).accessKeyId);
} catch ({ Code, Message }) {
  console.error(`${Code}: ${Message}`);
  process.exitCode = 1;
}

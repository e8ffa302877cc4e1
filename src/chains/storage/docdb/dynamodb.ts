import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { messageOf } from '../../../errors.ts';
import type { DynamoTable } from './collection.ts';
import { DatabaseError, type Database } from './database.ts';
import { keyOf, type SignedDocument } from './document.ts';

/**
 * DynamoDB, with items as gocloud's awsdynamodb writes them. Region and credentials: the URL, then the usual places of
 * AWS.
 */
export function dynamoDatabase({ table, keyField, sortField, region, endpoint, profile }: DynamoTable): Database {
  let kept: Promise<DynamoDBClient> | undefined;
  const connect = async (): Promise<DynamoDBClient> => {
    const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb');
    return new DynamoDBClient({
      ...(region ? { region } : {}),
      ...(endpoint ? { endpoint } : {}),
      ...(profile ? { profile } : {}),
    });
  };
  return {
    async put(document, signal) {
      const { PutItemCommand } = await import('@aws-sdk/client-dynamodb');
      const client = await (kept ??= connect());
      try {
        await client.send(new PutItemCommand({ TableName: table, Item: itemOf(document, keyField, sortField) }), {
          abortSignal: signal,
        });
      } catch (error) {
        signal.throwIfAborted();
        const { name } = error as Error;
        throw new DatabaseError(
          `DynamoDB table ${table}: ${name}: ${messageOf(error)}; ${wayOut(name, keyField, sortField)}`,
          { cause: error, retryable: name !== 'ValidationException' },
        );
      }
    },
  };
}

function wayOut(name: string, keyField: string, sortField: string): string {
  switch (name) {
    case 'ValidationException':
      return `the table must have the partition key ${keyField}${sortField ? ` and the sort key ${sortField}` : ' alone'} (type S), and an item at most 400 KB`;
    case 'ResourceNotFoundException':
      return 'create the table, or correct table or region in storage.docdb.url';
    default:
      return 'check storage.docdb.url, and that the credentials may dynamodb:PutItem on the table';
  }
}

/** The item; the key is there under the name of the URL too, if that is written otherwise (upstream then fails). */
export function itemOf(document: SignedDocument, keyField: string, sortField: string): Record<string, AttributeValue> {
  const item: Record<string, AttributeValue> = Object.fromEntries(
    Object.entries(document).map(([name, value]) => [name, attributeOf(value)]),
  );
  for (const field of [keyField, sortField])
    if (field !== '' && !(field in item)) item[field] = { S: keyOf(document, field) };
  return item;
}

function attributeOf(value: unknown): AttributeValue {
  // docstore writes an empty text as NULL, from the time when DynamoDB had none.
  if (value === null || value === undefined || value === '') return { NULL: true };
  if (typeof value === 'boolean') return { BOOL: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'string') return { S: value };
  if (value instanceof Uint8Array) return { B: value };
  if (Array.isArray(value)) return { L: value.map(attributeOf) };
  return { M: Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, attributeOf(inner)])) };
}

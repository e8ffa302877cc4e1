export * from '../../http/http-server.fake.ts';

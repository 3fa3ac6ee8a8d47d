create table if not exists bird (
  id integer primary key generated always as identity,
  name text not null unique
);

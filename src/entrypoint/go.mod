module tektite/entrypoint

go 1.26

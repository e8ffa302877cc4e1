module tektite/one-node/pause

go 1.26.0

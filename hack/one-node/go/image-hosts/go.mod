module tektite/one-node/image-hosts

go 1.26.0

ccward_fuzz(config ccward_config)
ccward_unit(config chosen_feeds)
ccward_unit(config config)
ccward_unit(config feed_catalogue)

//! Every environment variable and fixed path.

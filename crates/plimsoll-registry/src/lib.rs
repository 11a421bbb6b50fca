//! Distribution client: authentication, push, pull, mount, resume.

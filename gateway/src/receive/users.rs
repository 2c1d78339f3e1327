//! Who may submit mail: the file of users, each line a name and its SCRAM keys.

use crate::cli::User;
use crate::error::Error;

/// The line for a new user.
pub(crate) fn make(arguments: &User) -> Result<String, Error> {
    Err(Error::new(&arguments.name, "not yet"))
}

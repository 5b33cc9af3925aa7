//! What requests say about users, with everything wrong told at once.

use access::name::Username;
use registry::{NewPassword, NewUser, Password, UserEdit};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{fields::FieldErrors, json, password_field::PasswordField, problem::Problem};

/// A user to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUser)]
pub(super) struct NewUserRequest {
    /// The login name, which never changes.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$", example = "ann")]
    username: Option<String>,
    /// The password: 8 to 1024 bytes, without white space at either end.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(value_type = Option<String>, required, nullable = false, format = Password, min_length = 8, max_length = 1024)]
    password: Option<PasswordField>,
    /// Whether they administer the instance.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, default = false)]
    is_admin: Option<bool>,
    /// False makes an account that can't be used yet.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, default = true)]
    is_active: Option<bool>,
}

/// Changes of a user; what is left out stays. What never changes may be repeated as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserEdit)]
pub(super) struct UserEditRequest {
    /// The new password: 8 to 1024 bytes, without white space at either end. Clients that logged in with the old one must
    /// log in again; tokens stay valid.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(value_type = Option<String>, nullable = false, format = Password, min_length = 8, max_length = 1024)]
    password: Option<PasswordField>,
    /// The password that you have now: required to change your own password, also as an administrator. Only with
    /// `password`, and with nothing else.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(value_type = Option<String>, nullable = false, format = Password)]
    current_password: Option<PasswordField>,
    /// Whether they administer the instance; administrators say so.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false)]
    is_admin: Option<bool>,
    /// Whether the account may be used; administrators say so. False stops the user's tokens and bearers, and the
    /// service tokens of their own namespace.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false)]
    is_active: Option<bool>,
}

/// What is asked for: the two take different rights.
pub(super) enum UserChange {
    /// Change one's own password.
    Own {
        /// The password that one has now.
        current: Password,
        /// The one to have.
        new: NewPassword,
    },
    /// Whatever an administrator changes.
    Administered(UserEdit),
}

impl NewUserRequest {
    /// The user to make, or everything that is wrong.
    pub(super) fn parse(self, mut errors: FieldErrors) -> Result<NewUser, Problem> {
        let username =
            errors.need("username", self.username.as_deref(), "a user needs a username", Username::parse);
        if self.password.is_none() {
            errors.add("password", "a user needs a password");
        }
        let password = new_password(self.password, &mut errors);
        let (Some(username), Some(password)) = (username, password) else { return Err(errors.into()) };
        errors.refuse_any()?;
        let is_admin = self.is_admin.unwrap_or(false);
        Ok(NewUser { username, password, is_admin, is_active: self.is_active.unwrap_or(true) })
    }
}

impl UserEditRequest {
    /// Returns the change, or everything that is wrong with it. `is_own` if the caller edits their own account: then a
    /// new password requires the current one, also from an administrator, because a stolen session must not be able to
    /// replace the password.
    pub(super) fn parse(self, is_own: bool, mut errors: FieldErrors) -> Result<UserChange, Problem> {
        let sets_password = self.password.is_some();
        let new = new_password(self.password, &mut errors);
        if self.current_password.is_some() {
            if !sets_password {
                errors.add("password", "say the new password along with current_password");
            }
            if self.is_admin.is_some() || self.is_active.is_some() {
                let alone = "current_password is for changing your own password, in a request of its own";
                errors.add("current_password", alone);
            }
        } else if sets_password && is_own {
            errors.add("current_password", registry::CURRENT_PASSWORD_REQUIRED);
        }
        errors.refuse_any()?;
        match (self.current_password, new) {
            (Some(PasswordField(current)), Some(new)) => Ok(UserChange::Own { current, new }),
            (_, password) => Ok(UserChange::Administered(UserEdit {
                password,
                is_admin: self.is_admin,
                is_active: self.is_active,
                if_revision: None,
            })),
        }
    }
}

fn new_password(field: Option<PasswordField>, errors: &mut FieldErrors) -> Option<NewPassword> {
    errors.check("password", NewPassword::parse(field?.0))
}

//! One order at an issuer, from the account to the chain (RFC 8555 §7.4).

use access::time::{Clock, Instant};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount, NewOrder,
    OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use registry::{CertificateError, Certificates, DbError, IssuedCertificate, Order};
use url::Url;
use zeroize::Zeroizing;

use super::{
    chain::{self, ChainError},
    issuer_http::IssuerHttp,
};
use std::time::Duration;

/// How an order that the issuer works on is looked at: after a second, then ever more seldom, for a minute.
const PATIENCE: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_secs(1)).backoff(1.5).timeout(Duration::from_secs(60));
/// What an issuer says of an account that it does not know (any more).
const NO_SUCH_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// From whom to order.
pub(super) struct Issuer {
    pub(super) http: IssuerHttp,
    pub(super) directory: Url,
    /// `mailto:` and an address.
    pub(super) contact: Option<String>,
}

/// Why an order came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum OrderError {
    #[error("{}", said(.0))]
    Issuer(#[from] Error),
    #[error("{0}")]
    Refused(String),
    #[error("the ACME server offers no TLS-ALPN-01 challenge for {0}, the only one that is answered here")]
    NoChallenge(String),
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error("what the ACME server sent, which goes to the database, can't be shown: {0}")]
    Unfit(#[from] web::CertificateError),
    #[error("no key could be made: {0}")]
    Key(#[from] rcgen::Error),
    #[error("the account at the ACME server can't be written down: {0}")]
    Account(#[from] serde_json::Error),
    #[error(transparent)]
    Certificates(#[from] CertificateError),
    #[error(transparent)]
    Storage(#[from] DbError),
}

/// An issuer's error in its own words.
fn said(error: &Error) -> String {
    match error {
        Error::Api(problem) => problem.to_string().replacen("API error", "the ACME server says", 1),
        Error::Json(_) => "the ACME server's answer is not what RFC 8555 describes".to_owned(),
        error => error.to_string(),
    }
}

/// Orders a certificate with a new key and answers it. `begun` is this process's alone.
pub(super) async fn order(
    certificates: &Certificates,
    begun: &Order,
    issuer: &Issuer,
    clock: &dyn Clock,
) -> Result<IssuedCertificate, OrderError> {
    let mut order = open(certificates, issuer, clock.now()).await?;
    show_challenges(certificates, begun, &mut order).await?;
    wait_until_ready(&mut order).await?;
    let key = KeyPair::generate()?;
    let mut request = CertificateParams::new(certificates.domains())?;
    request.distinguished_name = DistinguishedName::new();
    order.finalize_csr(request.serialize_request(&key)?.der()).await?;
    let chain = order.poll_certificate(&PATIENCE).await?;
    let validity = chain::checked(&chain, certificates.domains(), clock.now())?;
    Ok(IssuedCertificate {
        chain,
        key: Zeroizing::new(key.serialize_pem()),
        valid_from: validity.from,
        valid_until: validity.until,
    })
}

/// A new order at the issuer, of the account that is kept, or of a new one where the issuer does not know it.
async fn open(
    certificates: &Certificates,
    issuer: &Issuer,
    now: Instant,
) -> Result<instant_acme::Order, OrderError> {
    let names: Vec<_> = certificates.domains().iter().cloned().map(Identifier::Dns).collect();
    let wanted = NewOrder::new(&names);
    if let Some(kept) = kept_account(certificates).await? {
        let account =
            Account::builder_with_http(Box::new(issuer.http.clone())).from_credentials(kept).await?;
        match account.new_order(&wanted).await {
            Err(Error::Api(problem)) if problem.r#type.as_deref() == Some(NO_SUCH_ACCOUNT) => {
                tracing::warn!("the ACME server does not know our account any more; making a new one");
            }
            outcome => return Ok(outcome?),
        }
    }
    let account = make_account(certificates, issuer, now).await?;
    Ok(account.new_order(&wanted).await?)
}

/// The account that is kept; `None` also where it is damaged, which a new one mends.
async fn kept_account(certificates: &Certificates) -> Result<Option<AccountCredentials>, OrderError> {
    let kept = match certificates.account().await {
        Ok(Some(kept)) => serde_json::from_slice(&kept).ok(),
        Ok(None) => return Ok(None),
        Err(CertificateError::Storage(error)) => return Err(error.into()),
        Err(_) => None,
    };
    if kept.is_none() {
        tracing::warn!("our account at the ACME server is damaged in the database; making a new one");
    }
    Ok(kept)
}

async fn make_account(
    certificates: &Certificates,
    issuer: &Issuer,
    now: Instant,
) -> Result<Account, OrderError> {
    let contact: Vec<&str> = issuer.contact.as_deref().into_iter().collect();
    // Whoever sets acme_domains agrees; the help and the guide say so.
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let builder = Account::builder_with_http(Box::new(issuer.http.clone()));
    let (account, credentials) = builder.create(&new, issuer.directory.to_string(), None).await?;
    certificates.keep_account(&Zeroizing::new(serde_json::to_vec(&credentials)?), now).await?;
    Ok(account)
}

/// Lets every replica answer, and only then tells the issuer to ask.
async fn show_challenges(
    certificates: &Certificates,
    begun: &Order,
    order: &mut instant_acme::Order,
) -> Result<(), OrderError> {
    let mut digests = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        let domain = authorization.identifier().to_string();
        match authorization.status {
            AuthorizationStatus::Pending => {}
            // Proved a while ago, which the issuer remembers.
            AuthorizationStatus::Valid => continue,
            other => return Err(OrderError::Refused(format!("the ACME server calls {domain} {other:?}"))),
        }
        let challenge = authorization.challenge(ChallengeType::TlsAlpn01);
        let challenge = challenge.ok_or_else(|| OrderError::NoChallenge(domain.clone()))?;
        digests.push((domain, challenge.key_authorization().digest().as_ref().to_vec()));
    }
    certificates.show_challenges(begun, &digests).await?;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Pending
            && let Some(mut challenge) = authorization.challenge(ChallengeType::TlsAlpn01)
        {
            challenge.set_ready().await?;
        }
    }
    Ok(())
}

/// Waits until the issuer is convinced. Why it is not stands in the authorizations, not in the order.
async fn wait_until_ready(order: &mut instant_acme::Order) -> Result<(), OrderError> {
    let outcome = order.poll_ready(&PATIENCE).await;
    if matches!(outcome, Ok(OrderStatus::Ready)) {
        return Ok(());
    }
    let mut reasons = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        let domain = authorization.identifier().to_string();
        let state = authorization.refresh().await?;
        let refused = state.challenges.iter().filter_map(|challenge| challenge.error.clone());
        reasons.extend(refused.map(|problem| format!("{domain}: {}", said(&Error::Api(problem)))));
    }
    if !reasons.is_empty() {
        return Err(OrderError::Refused(reasons.join("; ")));
    }
    let status = outcome?;
    Err(OrderError::Refused(format!("the ACME server calls the order {status:?} and gives no reason")))
}

# ruff: noqa: ISC004 each group is one long text, written over several lines
"""The usual headings of customer extracts, by table and canonical column, in the languages of our users.

Each entry holds three groups, separated by commas inside: headings that mean the column and nothing else, headings that
probably mean it, and headings that may mean it where nothing better is there. Written without accents or case.
English, German, French, Spanish, Italian, Dutch, Portuguese, Polish, Czech, Swedish and Danish, some Japanese; and the exports of
Shopify, WooCommerce, Amazon, Magento, Salesforce, HubSpot, Zendesk, Stripe and SAP.
"""

from __future__ import annotations

from typing import Final

ABBREVIATIONS: Final = {
    "cust": "customer", "cst": "customer", "custid": "customerid", "no": "number", "nr": "number", "num": "number",
    "nbr": "number", "nro": "number", "numero": "number", "numer": "number", "identifier": "id", "ident": "id", "uid": "id",
    "qty": "quantity", "quant": "quantity", "amt": "amount", "dt": "date", "datum": "date", "fecha": "date", "data": "date",
    "prod": "product", "inv": "invoice", "ord": "order", "cat": "category", "trx": "transaction", "txn": "transaction",
    "trans": "transaction", "tx": "transaction", "val": "value", "acct": "account", "acc": "account", "desc": "description",
    "kd": "kunden", "knd": "kunden", "purch": "purchase", "subs": "subscription", "ts": "timestamp", "nummer": "number",
    "ctry": "country", "prc": "price", "bestell": "bestell", "art": "artikel", "orders": "order", "customers": "customer",
}  # fmt: skip
"""Short forms and the word they stand for."""

CURRENCY_WORDS: Final = frozenset(
    [
        "eur",
        "euro",
        "euros",
        "usd",
        "gbp",
        "chf",
        "jpy",
        "dkk",
        "sek",
        "nok",
        "pln",
        "czk",
        "huf",
        "aud",
        "cad",
        "brl",
        "inr",
        "€",
        "$",
        "£",
        "¥",
        "dollars",
        "dollar",
        "pounds",
        "pound",
        "zl",
        "kc",
    ]
)
"""Words that say the unit and not the thing."""

_CUSTOMER: Final = (
    "customer id, customer number, customer, customer code, customer key, customer ref, client id, client number, client, user id, "
    "buyer id, shopper id, member id, account id, account number, kundennummer, kunden number, kundennr, kunden id, kundenid, kunde, "
    "debitor, debitornummer, debitoren number, id client, number client, code client, numero client, identifiant client, cliente, "
    "id cliente, codigo cliente, number cliente, numero de cliente, codice cliente, klantnummer, klant id, klant, klantnr, "
    "id do cliente, codigo do cliente, klient, id klienta, number klienta, numer klienta, zakaznik, cislo zakaznika, id zakaznika, "
    "kundnummer, kund id, kundenummer, kunde id, asiakasnumero, customer user, sold to party, sold to, customer user id, "
    "顧客id, 顧客番号, 顧客コード, 会員id, 会員番号, お客様番号, お客様id, ユーザーid, "
    "user pseudo id, contact id, person id, household key, household id, cardholder id",
    "customer email, buyer email, billing email, email address, customer name, kundenname, nom client, account, mitglied, "
    "mitgliedsnummer, adherent, socio, member, user, buyer, shopper, household, loyalty card, card number, kartennummer, donor id, "
    "donor, subscriber id, patient id, guest id, visitor id, contact, person, passenger id, kontonummer",
    "email, e mail, id, master id, billing name, name, username, phone, company, firma, recipient name",
)
_CHANNEL: Final = (
    "channel, sales channel, order channel, kanal, vertriebskanal, verkaufskanal, canal, canal de vente, canal de venta, canale, "
    "canale di vendita, kanaal, verkoopkanaal, canal de venda, kanal sprzedazy",
    "source, order source, source name, created via, touchpoint, medium, platform, plattform, store type, quelle, contact channel",
    "store, filiale, shop, location, boutique, tienda, negozio, winkel, loja, sklep",
)
_COUNTRY: Final = (
    "country, country code, customer country, land, pays, pais, paese, kraj, zeme, maa, shipping country, billing country, "
    "ship country, country name, lieferland, landeskennzeichen, country region, rechnungsland",
    "market, nation, markt, destination country, nationality, staat",
    "",
)
_PRODUCT: Final = (
    "product id, product number, product code, sku, stock code, item id, item number, item code, article id, article number, "
    "artikelnummer, artikel number, artikel id, artikelnr, produktnummer, produkt id, product sku, lineitem sku, asin, ean, upc, gtin, "
    "id produit, code produit, code article, reference produit, id producto, codigo producto, codigo de producto, codice prodotto, "
    "codice articolo, id prodotto, productnummer, artikelcode, codigo do produto, id produtku, kod produktu, materialnummer, material, "
    "商品コード, 商品番号, 商品id, "
    "variant id, part number, merchant sku, line item sku, varenummer, artikkelnummer",
    "product, item, article, artikel, produkt, produit, producto, prodotto, produto, product name, lineitem name, item name, "
    "artikelbezeichnung, produktname, material description, reference",
    "description, variant, beschreibung, bezeichnung, libelle",
)
_CATEGORY: Final = (
    "category, product category, item category, kategorie, produktkategorie, warengruppe, artikelgruppe, categorie, "
    "categorie produit, categoria, categoria de producto, categorie de produit, kategoria, productcategorie, product group, "
    "merchandise group, product type, produktgruppe, kategori, famille, familia, famiglia",
    "department, type, product line, class, abteilung, rayon, group, sparte, segment produit",
    "brand, vendor, marke, marque, marca, merk",
)

_TRANSACTIONS: Final = {
    "customer_id": _CUSTOMER,
    "ordered_at": (
        "ordered at, order date, order datetime, order time, order timestamp, ordered on, date ordered, invoice date, purchase date, "
        "purchased at, transaction date, transaction time, transaction timestamp, transaction datetime, sale date, sales date, "
        "date of purchase, date of sale, bestelldatum, bestell datum, auftragsdatum, rechnungsdatum, kaufdatum, verkaufsdatum, "
        "buchungsdatum, belegdatum, bestellt am, gekauft am, date commande, date de commande, date achat, date d achat, "
        "date facture, date de facture, date de vente, fecha de compra, fecha pedido, fecha de pedido, fecha factura, fecha de venta, "
        "data ordine, data acquisto, data dell ordine, data fattura, data vendita, besteldatum, orderdatum, factuurdatum, "
        "aankoopdatum, data do pedido, data da compra, data compra, data pedido, data zamowienia, data zakupu, data sprzedazy, "
        "datum objednavky, orderdato, kobsdato, fakturadatum, date time, invoice datetime, payment date, paid at, order created at, "
        "date created, created at, completed date, purchase timestamp, order purchase timestamp, receipt date, posting date, "
        "注文日, 注文日時, 購入日, 購入日時, 受注日, 売上日, "
        "basket date, checkout date, event time, event timestamp, donation date, close date, closed date",
        "date, 日付, 日時, datetime, timestamp, day, tag, jour, fecha, giorno, dag, data, kuupaev, zeit, zeitpunkt, created, transaction day, "
        "created on, order day, billing date, processed at, dt, time, uhrzeit, booking date, visit date, start date, order placed",
        "updated at, shipped at, fulfilled at, delivery date, lieferdatum, invoice month, period, month, quarter, monat, quartal, mois, "
        "trimestre, mes, mese, week, woche, semaine",
    ),
    "amount": (
        "amount, order total amount, order total, order amount, order value, total amount, line total, line amount, net amount, gross amount, total, "
        "total price, sales, sales amount, revenue, net revenue, net sales, gross sales, sale amount, purchase amount, "
        "transaction amount, transaction value, invoice amount, invoice total, spend, amount spent, extended price, total sales, "
        "sales value, betrag, nettowert, bruttowert, bestellwert, rechnungsbetrag, gesamtbetrag, umsatz, nettobetrag, bruttobetrag, nettoumsatz, summe, "
        "gesamtpreis, warenwert, zeilenbetrag, gesamtsumme, bestellsumme, montant, montant total, montant ttc, montant ht, total ttc, total ht, "
        "chiffre d affaires, ca, importe, importe total, monto, monto total, total pedido, ventas, importo, importo totale, totale, "
        "totale ordine, fatturato, bedrag, totaalbedrag, totaal, omzet, orderbedrag, valor, valor total, valor pago, valor do pedido, "
        "receita, kwota, wartosc, wartosc zamowienia, suma, razem, castka, celkem, belopp, summa, belob, grand total, total paid, "
        "dollar value, price total, payment value, payment amount, sales price total, basket value, amount paid, donation amount, "
        "金額, 合計金額, 売上金額, 購入金額, 注文金額, 請求金額, 売上, 合計, "
        "netwr, wrbtr, dmbtr, line item total, item total, total spent",
        "value, net, gross, subtotal, wert, valeur, paid, payment, netto, brutto, net value, turnover, gmv, charge, ttc, ht, monetary, "
        "order subtotal, total discounted price, net price, subtotal price, total line price, money, sum, cost of order",
        "price, preis, prix, precio, prezzo, prijs, preco, cena, cost, kosten, fare, item price, sale price, paid price",
    ),
    "order_id": (
        "order id, order number, invoice, invoice number, invoice id, order, order code, order ref, order reference, order key, "
        "transaction id, transaction number, transaction code, receipt id, receipt number, basket id, sales order, sales order number, purchase id, "
        "document number, sales id, sale id, ticket number, bill number, bestellnummer, bestell number, bestellnr, bestell id, bestellid, "
        "auftragsnummer, auftrag, rechnungsnummer, rechnung number, rechnungsnr, rechnung, belegnummer, belegnr, beleg, bonnummer, number commande, "
        "numero commande, numero de commande, id commande, commande, number facture, numero facture, facture, number pedido, "
        "numero de pedido, numero pedido, id pedido, pedido, numero factura, factura, numero ordine, id ordine, ordine, numero fattura, "
        "fattura, bestelnummer, ordernummer, order nummer, factuurnummer, bestelling, numero do pedido, id do pedido, nota fiscal, "
        "number zamowienia, numer zamowienia, id zamowienia, zamowienie, number faktury, numer faktury, cislo objednavky, ordrenummer, "
        "注文番号, 注文id, 受注番号, 伝票番号, "
        "amazon order id, order increment id, increment id, vbeln, belnr, checkout id, bill id, booking id, reservation id, session order id",
        "document, transaction, receipt, basket, bill, ticket, ticket id, bon, buchung, document id, reference number, purchase order number, case number",
        "id, reference, ref",
    ),
    "quantity": (
        "quantity, units, units sold, quantity sold, item quantity, order quantity, quantity ordered, quantity purchased, lineitem quantity, "
        "menge, anzahl, stuck, stuckzahl, stueck, bestellmenge, quantite, qte, nombre, cantidad, unidades, quantita, qta, pezzi, "
        "数量, 個数, "
        "aantal, stuks, quantidade, qtd, unidades, ilosc, sztuk, mnozstvi, antal, line item quantity, number of items, number of units, "
        "number of products, pieces, pcs, number of cds, quantity shipped",
        "count, items, volume, stk, nb, cds, n items, item count, articles, ordered quantity",
        "lines",
    ),
    "unit_price": (
        "unit price, price per unit, price each, item unit price, lineitem price, line item price, stuckpreis, einzelpreis, preis pro stuck, "
        "stueckpreis, prix unitaire, prix unit, precio unitario, precio por unidad, prezzo unitario, stukprijs, eenheidsprijs, "
        "単価, "
        "prijs per stuk, preco unitario, valor unitario, cena jednostkowa, jednotkova cena, styckpris, stykpris, selling price, "
        "unit cost price to customer, unit selling price, unit amount, price unit",
        "price, preis, prix, precio, prezzo, prijs, preco, cena, pris, item price, sales price, list price, product price, retail price, "
        "verkaufspreis, net unit price",
        "rate, tarif",
    ),
    "product_id": _PRODUCT,
    "category": _CATEGORY,
    "channel": _CHANNEL,
    "country": _COUNTRY,
    "cost": (
        "cost, total cost, cogs, cost of goods, cost of goods sold, line cost, wareneinsatz, einstandswert, kosten, cout, cout total, "
        "coste, coste total, costo, costo totale, kostprijs totaal, custo, custo total, koszt, cost amount, cost total, cost value",
        "einkaufswert, purchase cost, wareneinsatz total, naklady",
        "",
    ),
    "discount": (
        "discount, discounts, discounted, is discounted, has discount, discount applied, discount amount, total discount, order discount, "
        "lineitem discount, line item discount, item discount, discount value, discount percent, discount percentage, discount rate, "
        "cart discount, cart discount amount, item promotion discount, rabatt, rabattbetrag, nachlass, remise, montant remise, descuento, "
        "sconto, korting, desconto, rabat, sleva, kedvezmeny",
        "discount code, discount codes, coupon, coupons, coupon code, coupon codes, coupon used, has coupon, coupon discount, promo, "
        "promo code, promocode, promotion, promotion code, promotion id, promotion ids, promo applied, voucher, voucher code, gutschein, "
        "gutscheincode, gutschein code, rabattcode, rabatt code, aktionscode, code promo, code promotionnel, bon de reduction, cupon, "
        "codigo promocional, codigo descuento, codice sconto, codice promozionale, buono sconto, kortingscode, actiecode, cupom, "
        "codigo promocional, kod rabatowy, kod promocyjny, slevovy kod, rabattkod, rabatkode, used coupon, on promotion",
        "",
    ),
    "currency": (
        "currency, currency code, waehrung, wahrung, devise, moneda, divisa, valuta, moeda, waluta, mena, order currency, presentment currency",
        "curr, iso currency",
        "",
    ),
    "status": (
        "status, order status, financial status, payment status, bestellstatus, auftragsstatus, statut, statut commande, estado, "
        "estado del pedido, stato, stato ordine, orderstatus, order state, deal stage, opportunity stage, stage",
        "fulfillment status, document type, transaction type, invoice type, order type, belegart, type de document, tipo documento, "
        "soll haben, soll haben kennzeichen, s h, debit credit, dr cr, event type",
        "",
    ),
    "refunded": (
        "refunded, refunded amount, amount refunded, refund amount, refund, refunds, refund total, total refunded, erstattet, erstattung, "
        "erstatteter betrag, montant rembourse, remboursement, importe reembolsado, reembolso, rimborso, importo rimborsato, "
        "terugbetaald, terugbetaling, valor reembolsado, zwrot, kwota zwrotu",
        "returned amount, return amount, returns",
        "",
    ),
}  # fmt: skip

_CUSTOMERS: Final = {
    "customer_id": _CUSTOMER,
    "name": (
        "name, customer name, full name, display name, kundenname, nom, nom client, nombre, nombre cliente, nome, nome cliente, naam, "
        "klantnaam, nazwa, imie i nazwisko, jmeno, namn, navn, company name, firmenname, firma, account name, contact name",
        "company, raison sociale, razon social, ragione sociale, organisation, organization, last name, nachname, surname",
        "first name, vorname, username",
    ),
    "joined_on": (
        "joined on, joined at, join date, joined, signup date, sign up date, registration date, registered at, registered on, "
        "customer since, member since, created at, date joined, kunde seit, anmeldedatum, registrierungsdatum, eintrittsdatum, "
        "date inscription, date d inscription, client depuis, fecha de alta, fecha registro, fecha de registro, cliente desde, "
        "data registrazione, data iscrizione, cliente dal, klant sinds, inschrijfdatum, data de cadastro, data cadastro, "
        "data rejestracji, klient od, date of registration, enrollment date, account created, activation date, onboarding date",
        "created, created on, date, start date, first seen, angelegt am, erstellt am, tenure start, since",
        "",
    ),
    "country": _COUNTRY,
    "channel": (
        _CHANNEL[0] + ", acquisition channel, signup channel, acquisition source, lead source, werbekanal, akquisekanal",
        _CHANNEL[1],
        "",
    ),
    "plan": (
        "plan, tariff, tarif, contract type, subscription plan, subscription type, membership type, abo, abonnement, piano, plano, "
        "price plan, tier plan, package, paket, forfait",
        "membership, product, contract",
        "",
    ),
    "industry": ("industry, branche, sector, secteur, sektor, settore, setor, branza, industrie, industria, naics, sic code", "vertical", ""),
    "consent": (
        "consent, marketing consent, opt in, optin, email consent, accepts marketing, newsletter, einwilligung, werbeeinwilligung, "
        "consentement, consentimiento, consenso, toestemming, consentimento, zgoda, email opt in, contactable, gdpr consent",
        "subscribed, permission, accepts email marketing",
        "",
    ),
    "acquisition_cost": (
        "acquisition cost, cac, cost of acquisition, customer acquisition cost, akquisekosten, akquisitionskosten, cout d acquisition, "
        "coste de adquisicion, costo di acquisizione, wervingskosten, custo de aquisicao",
        "cpa, marketing cost",
        "",
    ),
}  # fmt: skip

_SURVEYS: Final = {
    "answered_at": (
        "answered at, answered on, response date, responded at, submitted at, submission date, submit date, survey date, completed at, "
        "recorded date, date submitted, answer date, end date, antwortdatum, beantwortet am, befragungsdatum, umfragedatum, "
        "date reponse, date de reponse, fecha de respuesta, fecha respuesta, data risposta, datum antwoord, data da resposta, "
        "data odpowiedzi, interview date, feedback date, datestamp",
        "date, timestamp, created at, datetime, fecha, data, time, start date, completed, submitted",
        "",
    ),
    "customer_id": (
        _CUSTOMER[0] + ", respondent, respondent id, participant id",
        "email, " + _CUSTOMER[1],
        "id, external data reference, token",
    ),
    "nps": (
        "nps, nps score, likelihood to recommend, recommend, recommendation, ltr, would recommend, net promoter score, "
        "weiterempfehlung, weiterempfehlungsbereitschaft, recommandation, recomendacion, raccomandazione, aanbeveling, recomendacao, "
        "polecenie, how likely are you to recommend us, net promoter",
        "score, promoter score, recommend score",
        "",
    ),
    "csat": (
        "csat, csat score, satisfaction, overall satisfaction, satisfaction score, customer satisfaction, zufriedenheit, gesamtzufriedenheit, "
        "satisfaction globale, satisfaccion, satisfaccion general, soddisfazione, soddisfazione complessiva, tevredenheid, satisfacao, "
        "zadowolenie, overall, overall rating, how satisfied are you",
        "rating, bewertung, note, puntuacion, stars",
        "",
    ),
    "ces": (
        "ces, ces score, effort, effort score, customer effort, customer effort score, ease, aufwand, facilite, esfuerzo, sforzo, "
        "inspanning, esforco, wysilek, ease of use score",
        "",
        "",
    ),
    "weight": ("weight, survey weight, weighting, gewicht, gewichtung, poids, peso, gewichtsfaktor, waga, sampling weight", "wt, factor", ""),
    "comment": (
        "comment, comments, feedback, free text, verbatim, remark, remarks, open answer, kommentar, anmerkung, freitext, commentaire, "
        "comentario, comentarios, commento, opmerking, toelichting, komentarz, review text, review, suggestion",
        "text, notes, why, reason",
        "",
    ),
}  # fmt: skip

_CASES: Final = {
    "case_id": (
        "case id, case number, case, ticket id, ticket number, ticket, complaint id, complaint number, incident id, incident number, "
        "request id, issue id, claim id, reclamation id, fallnummer, vorgangsnummer, ticketnummer, beschwerdenummer, "
        "reklamationsnummer, beschwerde id, number dossier, numero ticket, numero dossier, id ticket, numero caso, id caso, id reclamo, "
        "numero reclamo, klachtnummer, zaaknummer, numero do chamado, protocolo, number zgloszenia, numer zgloszenia, id reklamacji",
        "reference, complaint, reklamation, dossier, incident, vorgang",
        "id, number",
    ),
    "opened_at": (
        "opened at, opened on, open date, created at, created, created on, date created, opened, received at, received on, "
        "date received, report date, reported at, complaint date, ticket created at, eroffnet am, eroffnungsdatum, eingang, eingangsdatum, "
        "erstellt am, beschwerdedatum, date ouverture, date d ouverture, date creation, date de creation, fecha apertura, "
        "fecha de apertura, fecha creacion, fecha de creacion, data apertura, data creazione, openingsdatum, aangemaakt op, "
        "data de abertura, data zgloszenia, data otwarcia, date time opened, created time, opened time, date submitted, submitted at, case opened, requested at",
        "date, timestamp, start date, datetime, fecha, data",
        "",
    ),
    "customer_id": (_CUSTOMER[0] + ", requester id, requester, complainant id, caller id", "requester email, " + _CUSTOMER[1], "email, contact name"),
    "first_answered_at": (
        "first answered at, first answered on, first answer at, first answer on, first answered, first response at, first response on, "
        "first response date, first replied at, first reply at, first reply on, first reply date, first responded at, erste antwort am, "
        "erste antwort, erstantwort am, erstantwort, date premiere reponse, date de premiere reponse, premiere reponse le, fecha primera "
        "respuesta, fecha de primera respuesta, data prima risposta, eerste antwoord op, eerste reactie op, data primeira resposta, "
        "data pierwszej odpowiedzi",
        "answered at, answered on, responded at, replied at, beantwortet am, initial response time",
        "",
    ),
    "closed_at": (
        "closed at, closed on, close date, closed, resolved at, resolved on, resolution date, solved at, date closed, date resolved, "
        "completed at, geschlossen am, abschlussdatum, erledigt am, gelost am, date cloture, date de cloture, date resolution, "
        "fecha cierre, fecha de cierre, fecha resolucion, data chiusura, data risoluzione, gesloten op, afsluitdatum, "
        "data de fechamento, data fechamento, data zamkniecia, date time closed, resolved time, closed time, solved time, case closed, date sent to company",
        "end date, updated at, finished at",
        "",
    ),
    "category": (
        _CATEGORY[0] + ", case type, complaint type, ticket type, issue type, reason, complaint category, contact reason, beschwerdegrund, "
        "grund, motif, motivo, reden, klachttype, powod, anliegen, issue, complaint reason, case reason",
        "topic, thema, type, sub issue, art",
        "subject, sujet, betreff, product line",
    ),
    "channel": (_CHANNEL[0] + ", contact channel, origin, case origin, submitted via, via", _CHANNEL[1], ""),
    "product_id": _PRODUCT,
    "first_contact_resolved": (
        "first contact resolved, fcr, first contact resolution, resolved first contact, first call resolution, first call resolved, "
        "erstlosung, erstkontaktlosung, resolu au premier contact, resuelto primer contacto, one touch",
        "",
        "",
    ),
    "reopened": ("reopened, reopen, was reopened, wiedereroffnet, wieder geoffnet, rouvert, reabierto, riaperto, heropend, reaberto, reopens", "", ""),
    "csat": _SURVEYS["csat"],
}  # fmt: skip

_CONTACTS: Final = {
    "campaign_id": (
        "campaign id, campaign, campaign name, campaign title, campaign code, mailing id, mailing, kampagne, kampagnen id, kampagnennummer, aktion, "
        "campagne, id campagne, campana, id campana, campagna, id campagna, campanha, kampania, id kampanii, kampan, action id, "
        "wave id, utm campaign",
        "action, broadcast, send id, newsletter id, flight, wave, experiment, test id",
        "id, name",
    ),
    "customer_id": (_CUSTOMER[0] + ", recipient id, recipient, subscriber key", "recipient email, " + _CUSTOMER[1], "email, id"),
    "contacted_at": (
        "contacted at, contacted on, contact date, contact time, sent at, sent on, send date, send time, sent, mailed on, mail date, mailing date, "
        "delivered at, kontaktdatum, kontaktiert am, versanddatum, gesendet am, date envoi, date d envoi, date contact, date de contact, "
        "fecha envio, fecha de envio, fecha contacto, fecha de contacto, data invio, data contatto, verzenddatum, contactdatum, "
        "data de envio, data envio, data wysylki, data kontaktu, exposure date, assigned at, treatment date",
        "date, timestamp, datetime, start date, campaign date, created at, fecha, data",
        "",
    ),
    "arm": (
        "arm, group, treatment, variant, test group, cell, treatment group, experiment group, test control, control group, gruppe, "
        "testgruppe, groupe, groupe test, grupo, gruppo, groep, grupa, variante, ab group, ab variant, is treated, holdout",
        "version, segment, treated, bucket",
        "",
    ),
    "channel": (_CHANNEL[0] + ", contact channel, media, medium", _CHANNEL[1], ""),
    "cost": (
        "cost, contact cost, cost per contact, kosten, kontaktkosten, cout, coste, costo, kosten per contact, custo, koszt, spend per contact",
        "media cost, price",
        "",
    ),
    "responded_at": (
        "responded at, responded on, response date, response time, converted at, conversion date, conversion time, purchase date, "
        "antwortdatum, reaktionsdatum, reagiert am, date reponse, date de reponse, fecha respuesta, fecha de respuesta, data risposta, "
        "reactiedatum, data da resposta, data odpowiedzi, clicked at, replied at, redeemed at",
        "opened at, visit date, order date",
        "",
    ),
    "revenue": (
        "revenue, conversion value, response value, sales, attributed revenue, umsatz, chiffre d affaires, ingresos, ricavi, omzet, "
        "receita, przychod, revenue attributed, order value, amount, betrag",
        "value, spend, turnover, total",
        "",
    ),
}  # fmt: skip

_SUBSCRIPTIONS: Final = {
    "customer_id": (_CUSTOMER[0] + ", subscriber, subscriber id, tenant id, company id", _CUSTOMER[1], _CUSTOMER[2] + ", subscription id"),
    "started_on": (
        "started on, started at, start date, start, subscription start, contract start, begin date, begin, valid from, effective from, "
        "effective date, activated at, activation date, current period start, vertragsbeginn, startdatum, beginn, gultig ab, "
        "laufzeitbeginn, date debut, date de debut, debut, fecha inicio, fecha de inicio, inicio, data inizio, inizio, ingangsdatum, "
        "begindatum, data de inicio, data inicio, data rozpoczecia, poczatek, od, period start, from date, start day, service start",
        "signup date, created at, created, from, subscribed at, joined on",
        "date",
    ),
    "ended_on": (
        "ended on, ended at, end date, end, subscription end, contract end, valid to, valid until, effective to, churn date, "
        "churned on, churned at, termination date, expiry date, expires on, vertragsende, enddatum, ende, kundigungsdatum, "
        "gekundigt am, gultig bis, laufzeitende, date fin, date de fin, fin, fecha fin, fecha de fin, fecha baja, fecha de baja, "
        "data fine, fine, einddatum, data de termino, data fim, data zakonczenia, koniec, do, period end, to date, end day, ended, "
        "service end",
        "cancelled at, canceled at, cancellation date, cancelled on, canceled on, cancelled, until, to, expires at",
        "current period end",
    ),
    "monthly_amount": (
        "monthly amount, mrr, monthly price, monthly fee, monthly charge, monthly charges, monthly revenue, monthly recurring revenue, "
        "price per month, monatsbetrag, monatspreis, monatliche gebuhr, monatlicher betrag, grundgebuhr, montant mensuel, prix mensuel, "
        "mensualite, importe mensual, cuota mensual, cuota, canone mensile, importo mensile, maandbedrag, valor mensal, mensalidade, "
        "oplata miesieczna, abonament miesieczny, kwota miesieczna, plan amount",
        "amount, price, fee, charge, rate, betrag, preis, montant, prix, importe, precio, importo, prezzo, bedrag, prijs, valor, kwota",
        "revenue, value, total",
    ),
    "plan": (
        "plan, plan name, plan id, tariff, tarif, subscription plan, subscription type, product, package, paket, abo, abonnement, piano, "
        "plano, contract, contract type, membership, price plan, forfait, tarifa, product name, abo typ",
        "type, tier, level, sku",
        "name",
    ),
}  # fmt: skip

_PRODUCTS: Final = {
    "product_id": (_PRODUCT[0], "product, item, article, artikel, produkt, produit, producto, prodotto, produto, handle", "id, code, number, reference"),
    "name": (
        "name, product name, title, item name, description, product title, produktname, artikelbezeichnung, bezeichnung, nom, "
        "nom produit, libelle, designation, nombre, nombre producto, nome, nome prodotto, naam, productnaam, nazwa, nazwa produktu, "
        "artikelname, product description, descripcion, descrizione, omschrijving",
        "product, item, label, beschreibung, text",
        "variant title",
    ),
    "category": _CATEGORY,
    "unit_cost": (
        "unit cost, cost, cost price, cost per item, cost per unit, purchase price, einkaufspreis, einstandspreis, ek preis, "
        "stuckkosten, cout unitaire, prix d achat, prix de revient, coste unitario, precio de compra, costo unitario, "
        "prezzo di acquisto, kostprijs, inkoopprijs, custo unitario, preco de custo, koszt jednostkowy, cena zakupu, standard cost, cogs",
        "variant cost, landed cost",
        "",
    ),
    "launched_on": (
        "launched on, launch date, launched, released on, release date, introduction date, introduced on, available from, "
        "markteinfuhrung, einfuhrungsdatum, erscheinungsdatum, date lancement, date de lancement, fecha lanzamiento, "
        "fecha de lanzamiento, data lancio, data di lancio, introductiedatum, data de lancamento, data wprowadzenia, published at",
        "created at, created, date, date created",
        "",
    ),
}  # fmt: skip

USUAL: Final = {
    "transactions": _TRANSACTIONS,
    "customers": _CUSTOMERS,
    "surveys": _SURVEYS,
    "cases": _CASES,
    "contacts": _CONTACTS,
    "subscriptions": _SUBSCRIPTIONS,
    "products": _PRODUCTS,
}
"""Usual headings: table -> canonical column -> (sure, probable, possible)."""
